/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-c/json.h>
#include <sys/stat.h>

#include "common/delta-apply.h"
#include "imagepkg/cmds.h"
#include "imagepkg/image-deb.h"

static void json_freep(struct json_object **object)
{
	json_object_put(*object);
}

static void print_object(struct json_object *top)
{
	printf("%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
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
	print_object(top);
}

static void print_text(const struct image_deb *image)
{
	const struct deb *deb = image->deb;
	_cleanup_free_ char *size = size_format(deb->size_bytes);
	printf("%s: %s\n\n%s\n%s", deb->path, size, deb->control_text, image->conf_text);
}

/* --- a delta ------------------------------------------------------------------------------ */

struct totals {
	uint64_t pairs, pair_bytes, rdiff_bytes;
};

static struct totals add_up(const struct delta_meta *meta)
{
	struct totals t = { 0 };
	for (size_t i = 0; i < meta->member_count; i++) {
		bool pair = meta->members[i].method == DELTA_PAIR;
		t.pairs += pair;
		*(pair ? &t.pair_bytes : &t.rdiff_bytes) += meta->members[i].packed_bytes;
	}
	return t;
}

static void add_bytes(struct json_object *object, const char *name, uint64_t bytes)
{
	json_object_object_add(object, name, json_object_new_int64((int64_t)bytes));
}

static void print_delta_json(const struct delta *delta, uint64_t bytes)
{
	const struct delta_meta *meta = delta->meta;
	struct totals t = add_up(meta);
	_cleanup_(json_freep) struct json_object *top = json_object_new_object();
	struct json_object *basis = json_object_new_array();
	const char *const texts[][2] = {
		{ "path", delta->path }, { "package", meta->package },
		{ "architecture", meta->architecture }, { "old_version", meta->old_version },
		{ "new_version", meta->new_version }, { "data_sha256", meta->data_sha256 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_object_object_add(top, texts[i][0], json_object_new_string(texts[i][1]));
	for (size_t i = 0; i < meta->basis_count; i++) {
		struct json_object *file = json_object_new_object();
		json_object_object_add(file, "name", json_object_new_string(meta->basis[i].name));
		add_bytes(file, "size_bytes", meta->basis[i].bytes);
		json_object_object_add(file, "sha256", json_object_new_string(meta->basis[i].sha256));
		json_object_array_add(basis, file);
	}
	add_bytes(top, "size_bytes", bytes);
	add_bytes(top, "data_bytes", meta->data_bytes);
	add_bytes(top, "pairs", t.pairs);
	add_bytes(top, "pair_bytes", t.pair_bytes);
	add_bytes(top, "rdiff_bytes", t.rdiff_bytes);
	json_object_object_add(top, "basis", basis);
	print_object(top);
}

static void print_delta_text(const struct delta *delta, uint64_t bytes)
{
	const struct delta_meta *meta = delta->meta;
	struct totals t = add_up(meta);
	_cleanup_free_ char *size = size_format(bytes);
	_cleanup_free_ char *pairs = size_format(t.pair_bytes);
	_cleanup_free_ char *rdiff = size_format(t.rdiff_bytes);
	_cleanup_free_ char *data = size_format(meta->data_bytes);
	printf("%s: %s\n\nPackage: %s\nArchitecture: %s\nOld-Version: %s\nNew-Version: %s\n",
	       delta->path, size, meta->package, meta->architecture, meta->old_version,
	       meta->new_version);
	printf("Pairs: %llu, %s\nRdiff: %s\nMakes: data.tar of %s\nStarts from:\n",
	       (unsigned long long)t.pairs, pairs, rdiff, data);
	for (size_t i = 0; i < meta->basis_count; i++) {
		_cleanup_free_ char *file = size_format(meta->basis[i].bytes);
		printf(" %s, %s, SHA-256 %s\n", meta->basis[i].name, file, meta->basis[i].sha256);
	}
}

static int inspect_delta(const struct cli *cli, const char *path, struct err *err)
{
	_cleanup_(delta_freep) struct delta *delta = NULL;
	struct stat st;
	if (delta_open(path, &delta, err) != 0)
		return -1;
	if (fstat(delta->fd, &st) != 0)
		return err_sys(err, "stat %s", path);
	(cli->json ? print_delta_json : print_delta_text)(delta, (uint64_t)st.st_size);
	return 0;
}

int cmd_inspect(struct cli *cli, int argc, char **argv, struct err *err)
{
	_cleanup_(image_deb_freep) struct image_deb *image = NULL;
	if (cli_no_opts(cli, argc, argv, 1, 1, err) != 0)
		return -1;
	if (str_ends(argv[cli->next], ".delta"))
		return inspect_delta(cli, argv[cli->next], err);
	if (image_deb_open(argv[cli->next], &image, err) != 0)
		return -1;
	if (cli->json)
		print_json(image);
	else
		print_text(image);
	return 0;
}
