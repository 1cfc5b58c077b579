/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>

#include "imagepkg/cmds.h"
#include "imagepkg/image-deb.h"

static void json_freep(struct json_object **object)
{
	json_object_put(*object);
}

static void print_json(const struct image_deb *image)
{
	const struct deb *deb = image->deb;
	const struct deb822_stanza *fields = &deb->control_fields->stanzas[0];
	_cleanup_(json_freep) struct json_object *top = json_object_new_object();
	struct json_object *control = json_object_new_object();
	struct json_object *vm = json_object_new_object();
	for (size_t i = 0; i < fields->count; i++)
		json_object_object_add(control, fields->fields[i].name,
				       json_object_new_string(fields->fields[i].value));
	for (size_t i = 0; i < image->conf_fields->stanzas[0].count; i++) {
		const struct deb822_field *f = &image->conf_fields->stanzas[0].fields[i];
		json_object_object_add(vm, f->name, json_object_new_string(f->value));
	}
	json_object_object_add(top, "path", json_object_new_string(deb->path));
	json_object_object_add(top, "size_bytes", json_object_new_int64((int64_t)deb->size_bytes));
	json_object_object_add(top, "control_sha256", json_object_new_string(deb->control_sha256));
	json_object_object_add(top, "data_compressed_bytes",
			       json_object_new_int64((int64_t)deb->data.size_bytes));
	json_object_object_add(top, "control", control);
	json_object_object_add(top, "appliance", vm);
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void print_text(const struct image_deb *image)
{
	const struct deb *deb = image->deb;
	_cleanup_free_ char *size = size_format(deb->size_bytes);
	printf("%s: %s\n\n%s\n%s", deb->path, size, deb->control_text, image->conf_text);
}

int cmd_inspect(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(image_deb_freep) struct image_deb *image = NULL;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) != 0 ||
	    image_deb_open(argv[cli->next], &image, err) != 0)
		return -1;
	if (cli->json)
		print_json(image);
	else
		print_text(image);
	return 0;
}
