/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "appliance/guest-root.h"

#include <string.h>

#include "common/util.h"

enum {
	SECTOR = 512,
	MBR_ENTRIES_AT = 446,
	MBR_ENTRY_BYTES = 16,
	GPT_MIN_ENTRY_BYTES = 128,
	GPT_MAX_ENTRY_BYTES = 4096,
	MBR_TYPE_EXTENDED = 0x05,
	MBR_TYPE_EXTENDED_LBA = 0x0f,
};

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
	return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

const char *guest_fs_name(const uint8_t *head, size_t len)
{
	static const struct { size_t at; const char *magic, *name; } known[] = {
		{ 1024 + 56, "\x53\xef", "ext" },
		{ 65536 + 64, "_BHRfS_M", "btrfs" },
		{ 0, "XFSB", "XFS" },
		{ 0, "hsqs", "squashfs" },
		{ 0, "LUKS\xba\xbe", "LUKS" },
		{ 512, "LABELONE", "LVM" },
		{ 54, "FAT1", "FAT" },
		{ 82, "FAT32", "FAT" },
		{ 3, "NTFS", "NTFS" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t n = strlen(known[i].magic);
		if (known[i].at + n <= len && memcmp(head + known[i].at, known[i].magic, n) == 0)
			return known[i].name;
	}
	return NULL;
}

/* A partition that leaves the disk is none of ours to touch. */
static void add_part(struct guest_parts *parts, uint64_t disk_bytes, uint64_t first,
		     uint64_t sectors)
{
	uint64_t all = disk_bytes / SECTOR;
	if (parts->count == GUEST_MAX_PARTS || sectors == 0 || first == 0 || first >= all ||
	    sectors > all - first)
		return;
	parts->items[parts->count].start = first * SECTOR;
	parts->items[parts->count++].bytes = sectors * SECTOR;
}

static int read_gpt(guest_read_fn read, void *arg, uint64_t disk_bytes,
		    const uint8_t *header, struct guest_parts *out, struct err *err)
{
	uint64_t table = le64(header + 72);
	uint32_t count = le32(header + 80), size = le32(header + 84);
	uint8_t entry[GPT_MIN_ENTRY_BYTES];
	static const uint8_t unused[16];
	if (size < GPT_MIN_ENTRY_BYTES || size > GPT_MAX_ENTRY_BYTES ||
	    table >= disk_bytes / SECTOR)
		return err_set(err, ERR_INPUT, "the disk's GPT makes no sense");
	for (uint32_t i = 0; i < count && i < GUEST_MAX_PARTS; i++) {
		if (read(arg, table * SECTOR + (uint64_t)i * size, entry, sizeof(entry), err) < 0)
			return -1;
		uint64_t first = le64(entry + 32), last = le64(entry + 40);
		if (memcmp(entry, unused, sizeof(unused)) != 0 && last >= first)
			add_part(out, disk_bytes, first, last - first + 1);
	}
	return 0;
}

static void read_mbr(const uint8_t *mbr, uint64_t disk_bytes, struct guest_parts *out)
{
	for (int i = 0; i < 4; i++) {
		const uint8_t *entry = mbr + MBR_ENTRIES_AT + i * MBR_ENTRY_BYTES;
		uint8_t type = entry[4];
		if (type && type != MBR_TYPE_EXTENDED && type != MBR_TYPE_EXTENDED_LBA)
			add_part(out, disk_bytes, le32(entry + 8), le32(entry + 12));
	}
}

/* A boot sector of a file system without a table ends in 55 AA as well. */
static bool is_mbr(const uint8_t *mbr)
{
	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return false;
	for (int i = 0; i < 4; i++)
		if (mbr[MBR_ENTRIES_AT + i * MBR_ENTRY_BYTES] & 0x7f)
			return false;
	return true;
}

int guest_parts_read(guest_read_fn read, void *arg, uint64_t disk_bytes,
		     struct guest_parts *out, struct err *err)
{
	uint8_t head[4 * SECTOR];
	*out = (struct guest_parts){ 0 };
	if (disk_bytes < sizeof(head))
		return err_set(err, ERR_INPUT, "the disk is empty");
	if (read(arg, 0, head, sizeof(head), err) < 0)
		return -1;
	if (guest_fs_name(head, sizeof(head)) == NULL) {
		if (memcmp(head + SECTOR, "EFI PART", 8) == 0)
			return read_gpt(read, arg, disk_bytes, head + SECTOR, out, err);
		if (is_mbr(head))
			read_mbr(head, disk_bytes, out);
		if (out->count)
			return 0;
	}
	out->count = 1;
	out->items[0].start = 0;
	out->items[0].bytes = disk_bytes;
	return 0;
}
