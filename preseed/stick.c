/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/stick.h"

#include <unistd.h>

#include "common/atomic-file.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/strv.h"
#include "preseed/grub-cfg.h"
#include "preseed/tool.h"

#define GRUB_DIR "/usr/lib/grub"

enum { MAX_SEED_BYTES = 1 << 30 };

/* What both boot loaders need to find the image, show its menu and start either Linux or a
 * system that is installed already. */
#define COMMON_MODULES \
	"normal", "configfile", "linux", "chain", "search", "search_fs_file", "part_gpt", \
	"part_msdos", "iso9660", "fat", "ext2", "diskfilter", "mdraid1x", "regexp", "serial", \
	"terminal", "echo", "test", "sleep", "reboot", "minicmd"

void stick_id(const struct stick *stick, char id[STICK_ID_LEN + 1])
{
	char hex[SHA256_HEX_LEN + 1];
	sha256_hex(stick->seed, stick->seed_len, hex);
	memcpy(id, hex, STICK_ID_LEN);
	id[STICK_ID_LEN] = '\0';
}

static int write_text(const char *dir, const char *name, const char *text, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	return atomic_file_write(path, text, strlen(text), 0644, err);
}

static int make_bios(const struct workdir *work, const char *cfg, const char *iso,
		     struct err *err)
{
	_cleanup_free_ char *out = xasprintf("%s/boot/grub/eltorito.img", iso);
	_cleanup_strv_ struct strv args = STRV_INIT;
	strv_addv(&args, "grub-mkimage", "-O", "i386-pc-eltorito", "-d", GRUB_DIR "/i386-pc",
		  "-p", "/boot/grub", "-c", cfg, "-o", out, "biosdisk", COMMON_MODULES, NULL);
	return tool_run(&args, err);
}

/* The EFI system partition: FAT12 with the loader under the name for removable media. */
static int make_efi(const struct workdir *work, const char *cfg, const char *iso,
		    struct err *err)
{
	_cleanup_free_ char *loader = workdir_file(work, "bootx64.efi");
	_cleanup_free_ char *fat = xasprintf("%s/efi.img", iso);
	_cleanup_strv_ struct strv mkimage = STRV_INIT;
	_cleanup_strv_ struct strv format = STRV_INIT;
	_cleanup_strv_ struct strv dirs = STRV_INIT;
	_cleanup_strv_ struct strv copy = STRV_INIT;
	strv_addv(&mkimage, "grub-mkimage", "-O", "x86_64-efi", "-d", GRUB_DIR "/x86_64-efi", "-p",
		  "/boot/grub", "-c", cfg, "-o", loader, "all_video", "efi_gop", COMMON_MODULES,
		  NULL);
	strv_addv(&format, "mformat", "-i", fat, "-C", "-f", "2880", "-N", "57425553", "::", NULL);
	strv_addv(&dirs, "mmd", "-i", fat, "::/EFI", "::/EFI/BOOT", NULL);
	strv_addv(&copy, "mcopy", "-i", fat, loader, "::/EFI/BOOT/BOOTX64.EFI", NULL);
	return tool_run(&mkimage, err) < 0 || tool_run(&format, err) < 0 || tool_run(&dirs, err) < 0 ||
			       tool_run(&copy, err) < 0
		       ? -1
		       : 0;
}

/* As grub-mkrescue calls xorriso, which dates its own files by the clock. */
static int make_image(const char *iso, const char *packages, const char *out, struct err *err)
{
	_cleanup_free_ char *date = xasprintf("=%lld", (long long)time_now_reproducible());
	_cleanup_strv_ struct strv args = STRV_INIT;
	strv_addv(&args, "xorriso", "-as", "mkisofs", "-quiet", "-r", "-V", "WAYBILL", "-b",
		  "boot/grub/eltorito.img", "-no-emul-boot", "-boot-load-size", "4",
		  "-boot-info-table", "--grub2-boot-info", "--grub2-mbr",
		  GRUB_DIR "/i386-pc/boot_hybrid.img", "--protective-msdos-label", "--efi-boot",
		  "efi.img", "-efi-boot-part", "--efi-boot-image", "--set_all_file_dates", date,
		  NULL);
	if (packages)
		strv_addv(&args, "-append_partition", "4", "0x0c", packages, "-appended_part_as_gpt",
			  NULL);
	strv_addv(&args, "-o", out, iso, NULL);
	return tool_run(&args, err);
}

static int place(const char *from, const char *iso, const char *name, struct err *err)
{
	_cleanup_free_ char *to = xasprintf("%s/boot/%s", iso, name);
	return rename(from, to) == 0 ? 0 : err_sys(err, "cannot move %s to %s", from, to);
}

static int fill_tree(const struct stick *stick, const char *iso, struct err *err)
{
	char id[STICK_ID_LEN + 1];
	_cleanup_free_ char *grub_dir = xasprintf("%s/boot/grub", iso);
	_cleanup_free_ char *seed = xasprintf("%s/boot/waybill.gz", iso);
	_cleanup_strbuf_ struct strbuf cfg = STRBUF_INIT;
	stick_id(stick, id);
	_cleanup_free_ char *mark = xasprintf("boot/waybill-%s", id);
	grub_cfg_menu(stick->title, id, stick->kernel_args, &cfg);
	return make_dirs(grub_dir, 0755, err) < 0 ||
			       place(stick->linux_path, iso, "linux", err) < 0 ||
			       place(stick->initrd_path, iso, "initrd.gz", err) < 0 ||
			       atomic_file_write(seed, stick->seed, stick->seed_len, 0644,
						 err) < 0 ||
			       write_text(iso, mark, "", err) < 0 ||
			       write_text(grub_dir, "grub.cfg", cfg.data, err) < 0
		       ? -1
		       : 0;
}

int stick_write(const struct stick *stick, const struct workdir *work, const char *path,
		struct err *err)
{
	char id[STICK_ID_LEN + 1];
	_cleanup_free_ char *iso = workdir_file(work, "iso");
	_cleanup_free_ char *cfg = workdir_file(work, "first.cfg");
	_cleanup_strbuf_ struct strbuf first = STRBUF_INIT;
	_cleanup_(atomic_file_freep) struct atomic_file *out = NULL;
	stick_id(stick, id);
	grub_cfg_first(id, &first);
	if (fill_tree(stick, iso, err) < 0 ||
	    atomic_file_write(cfg, first.data, first.len, 0644, err) < 0 ||
	    make_bios(work, cfg, iso, err) < 0 || make_efi(work, cfg, iso, err) < 0 ||
	    atomic_file_open(path, 0600, &out, err) < 0 ||
	    make_image(iso, stick->packages, out->tmp_path, err) < 0)
		return err_prefix(err, "cannot make %s", path);
	return atomic_file_commit(out, err);
}

int stick_read_seed(const char *image, const struct workdir *work, char **data, size_t *len,
		    struct err *err)
{
	_cleanup_free_ char *out = workdir_file(work, "waybill.gz");
	_cleanup_free_ char *source = xasprintf("stdio:%s", image);
	_cleanup_strv_ struct strv args = STRV_INIT;
	*data = NULL;
	if (access(image, R_OK) != 0)
		return err_sys(err, "cannot read %s", image);
	strv_addv(&args, "xorriso", "-osirrox", "on", "-indev", source, "-extract",
		  "/boot/waybill.gz", out, NULL);
	if (tool_run(&args, err) < 0) {
		if (err->code != ERR_PROGRAM)
			return -1;
		log_debug("%s", err->msg);
		err_clear(err);
		return err_set(err, ERR_INPUT, "%s is no image that siteusb has made, or a "
			       "damaged one", image);
	}
	return file_read(out, MAX_SEED_BYTES, data, len, err);
}
