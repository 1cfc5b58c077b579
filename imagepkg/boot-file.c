/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imagepkg/boot-file.h"

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic-file.h"
#include "common/util.h"
#include "common/archive-util.h"

enum {
	MAX_FILE_BYTES = 1 << 30,
	MAX_PLAIN_BYTES = 1 << 30,
	CPIO_HEADER_BYTES = 110,
	/* Offsets in the x86 boot protocol's header */
	SETUP_SECTS = 0x1f1,
	HEADER_MAGIC = 0x202,
	PROTOCOL_VERSION = 0x206,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	HEADER_END = 0x250,
};

struct mapping {
	const char *data;
	size_t len;
};

static void mapping_destroy(struct mapping *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->len);
}

static int map_file(const char *path, struct mapping *m, struct err *err)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "cannot open %s", path);
	if (st.st_size == 0 || st.st_size > MAX_FILE_BYTES)
		return err_set(err, ERR_INPUT, "%s has %lld bytes, which no boot file has", path,
			       (long long)st.st_size);
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(err, "cannot map %s", path);
	*m = (struct mapping){ data, (size_t)st.st_size };
	return 0;
}

/* Unpack one compressed stream, of any kind that Linux takes, to `fd`. */
static int unpack(const void *data, size_t len, int fd, struct err *err)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	struct archive_entry *entry = NULL;
	_cleanup_free_ char *chunk = xmalloc(1 << 20);
	uint64_t total = 0;
	la_ssize_t n = 0;
	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, data, len) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return err_set(err, ERR_INPUT, "cannot unpack: %s", archive_error_string(a));
	while ((n = archive_read_data(a, chunk, 1 << 20)) > 0) {
		total += (uint64_t)n;
		if (total > MAX_PLAIN_BYTES)
			return err_set(err, ERR_TOO_LARGE, "unpacks to more than 1 GiB");
		if (write_all(fd, chunk, (size_t)n, err) != 0)
			return -1;
	}
	if (n < 0)
		return err_set(err, ERR_INPUT, "cannot unpack: %s", archive_error_string(a));
	return 0;
}

/* --- initrd -------------------------------------------------------------------- */

static bool is_cpio(const char *data, size_t len)
{
	return len >= CPIO_HEADER_BYTES &&
	       (memcmp(data, "070701", 6) == 0 || memcmp(data, "070702", 6) == 0);
}

/* The n-th of the 8-digit hexadecimal fields. */
static bool cpio_field(const char *header, int n, size_t *value)
{
	char digits[9] = { 0 };
	char *end = NULL;
	memcpy(digits, header + 6 + 8 * n, 8);
	*value = strtoul(digits, &end, 16);
	return end == digits + 8;
}

static size_t round_up_4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Step over one entry; *last when it was the end of the archive. */
static bool skip_entry(const char *data, size_t len, size_t *pos, bool *last)
{
	const char *header = data + *pos;
	size_t file_bytes = 0, name_bytes = 0;
	if (!is_cpio(header, len - *pos) || !cpio_field(header, 6, &file_bytes) ||
	    !cpio_field(header, 11, &name_bytes))
		return false;
	size_t name_at = *pos + CPIO_HEADER_BYTES;
	if (name_bytes == 0 || name_bytes > len - name_at)
		return false;
	*last = name_bytes == 11 && memcmp(data + name_at, "TRAILER!!!", 11) == 0;
	size_t next = round_up_4(name_at + name_bytes);
	if (next > len)
		return *last;
	if (file_bytes > len - next)
		return false;
	next = round_up_4(next + file_bytes);
	*pos = next > len ? len : next;
	return true;
}

int initrd_plain_length(const void *data, size_t len, size_t *plain, struct err *err)
{
	const char *bytes = data;
	size_t pos = 0;
	*plain = 0;
	while (is_cpio(bytes + pos, len - pos)) {
		bool last = false;
		while (!last)
			if (!skip_entry(bytes, len, &pos, &last))
				return err_set(err, ERR_INPUT, "broken cpio archive at byte %zu",
					       pos);
		while (pos < len && bytes[pos] == '\0')
			pos++;
		*plain = pos;
	}
	return 0;
}

int initrd_make_plain(const char *path, struct err *err)
{
	_cleanup_(mapping_destroy) struct mapping in = { 0 };
	_cleanup_(atomic_file_freep) struct atomic_file *out = NULL;
	size_t plain = 0;
	if (map_file(path, &in, err) != 0)
		return -1;
	if (initrd_plain_length(in.data, in.len, &plain, err) != 0)
		return err_prefix(err, "initrd %s", path);
	if (plain == in.len)
		return 0;
	if (atomic_file_open(path, 0600, &out, err) != 0 ||
	    write_all(out->fd, in.data, plain, err) != 0)
		return -1;
	if (unpack(in.data + plain, in.len - plain, out->fd, err) != 0)
		return err_prefix(err, "initrd %s", path);
	return atomic_file_commit(out, err);
}

/* --- kernel -------------------------------------------------------------------- */

static uint32_t le32_at(const char *data, size_t offset)
{
	uint32_t v;
	memcpy(&v, data + offset, sizeof(v));
	return le32toh(v);
}

/* The compressed payload of a bzImage. Its last four bytes are the unpacked size,
 * appended by the kernel's build; in gzip's own format they are part of the stream. */
static bool find_payload(const struct mapping *in, const char **payload, size_t *len)
{
	if (in->len < 0x1000 || memcmp(in->data + HEADER_MAGIC, "HdrS", 4) != 0 ||
	    ((uint8_t)in->data[PROTOCOL_VERSION + 1] << 8 | (uint8_t)in->data[PROTOCOL_VERSION]) <
		    0x208)
		return false;
	size_t setup_sects = (uint8_t)in->data[SETUP_SECTS];
	size_t start = ((setup_sects ? setup_sects : 4) + 1) * 512 +
		       (size_t)le32_at(in->data, PAYLOAD_OFFSET);
	size_t length = le32_at(in->data, PAYLOAD_LENGTH);
	if (length < 16 || start > in->len || length > in->len - start)
		return false;
	bool is_gzip = memcmp(in->data + start, "\x1f\x8b", 2) == 0;
	*payload = in->data + start;
	*len = is_gzip ? length : length - 4;
	return true;
}

static int check_elf(int fd, const char *path, struct err *err)
{
	char magic[4] = { 0 };
	if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, "\x7f" "ELF", 4) != 0)
		return err_set(err, ERR_INPUT, "kernel %s: there is no ELF image in it; use "
			       "Kernel: as-is", path);
	return 0;
}

int kernel_make_plain(const char *path, struct err *err)
{
	_cleanup_(mapping_destroy) struct mapping in = { 0 };
	_cleanup_(atomic_file_freep) struct atomic_file *out = NULL;
	const char *payload = NULL;
	size_t len = 0;
	if (map_file(path, &in, err) != 0)
		return -1;
	if (!find_payload(&in, &payload, &len))
		return err_set(err, ERR_INPUT, "kernel %s is no x86 bzImage; use Kernel: as-is",
			       path);
	if (atomic_file_open(path, 0600, &out, err) != 0)
		return -1;
	if (unpack(payload, len, out->fd, err) != 0)
		return err_prefix(err, "kernel %s", path);
	if (check_elf(out->fd, path, err) != 0)
		return -1;
	return atomic_file_commit(out, err);
}

/* A section header, or NULL if it is not inside of the image. */
static const Elf64_Shdr *elf_section(const struct mapping *m, size_t index)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)m->data;
	size_t at = index * sizeof(Elf64_Shdr);
	if (index >= eh->e_shnum || eh->e_shoff > m->len || at > m->len - eh->e_shoff ||
	    sizeof(Elf64_Shdr) > m->len - eh->e_shoff - at || eh->e_shoff % 8 != 0)
		return NULL;
	return (const Elf64_Shdr *)(const void *)(m->data + eh->e_shoff + at);
}

static bool section_is_inside(const struct mapping *m, const Elf64_Shdr *sh)
{
	return sh && sh->sh_offset <= m->len && sh->sh_size <= m->len - sh->sh_offset;
}

static const Elf64_Shdr *elf_find_section(const struct mapping *m, const char *name)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)m->data;
	const Elf64_Shdr *names = elf_section(m, eh->e_shstrndx);
	size_t name_bytes = strlen(name) + 1;
	if (!section_is_inside(m, names))
		return NULL;
	for (size_t i = 0; i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = elf_section(m, i);
		if (sh && sh->sh_name < names->sh_size &&
		    name_bytes <= names->sh_size - sh->sh_name &&
		    memcmp(m->data + names->sh_offset + sh->sh_name, name, name_bytes) == 0)
			return section_is_inside(m, sh) ? sh : NULL;
	}
	return NULL;
}

int kernel_drop_btf(const char *path, struct err *err)
{
	_cleanup_(mapping_destroy) struct mapping m = { 0 };
	if (map_file(path, &m, err) != 0)
		return -1;
	if (m.len < sizeof(Elf64_Ehdr) || memcmp(m.data, ELFMAG, SELFMAG) != 0 ||
	    m.data[EI_CLASS] != ELFCLASS64)
		return err_set(err, ERR_INPUT, "kernel %s is no 64-bit ELF image", path);
	const Elf64_Shdr *btf = elf_find_section(&m, ".BTF");
	if (!btf)
		return 0;
	_cleanup_free_ char *zeros = xcalloc(1, btf->sh_size + 1);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, zeros, btf->sh_size, (off_t)btf->sh_offset) !=
			      (ssize_t)btf->sh_size)
		return err_sys(err, "cannot write %s", path);
	return 0;
}
