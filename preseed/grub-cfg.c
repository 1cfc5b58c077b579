/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preseed/grub-cfg.h"

#include <stdio.h>
#include <string.h>

void grub_cfg_first(const char *id, struct strbuf *out)
{
	strbuf_addf(out, "search --no-floppy --file --set=root /boot/waybill-%s\n"
			 "set prefix=($root)/boot/grub\n"
			 "configfile $prefix/grub.cfg\n", id);
}

/* "console=ttyS0,115200n8": unit 0, speed 115200. */
static void add_serial(const char *kernel_args, struct strbuf *out)
{
	unsigned unit, speed = 9600;
	const char *console = strstr(kernel_args, "console=ttyS");
	if (!console || sscanf(console, "console=ttyS%2u,%6u", &unit, &speed) < 1)
		return;
	strbuf_addf(out, "serial --unit=%u --speed=%u\n"
			 "terminal_input console serial\n"
			 "terminal_output console serial\n", unit, speed);
}

/* The installed system's own loader, by the way that this firmware has. The stick's mark
 * lies on the root file system; with a mirror that is an array, which has no boot sector, so
 * the first disk that is not the stick is taken. */
static const char start_installed[] =
	"	if [ \"$grub_platform\" = efi ]; then\n"
	"		search --no-floppy --file --set=esp /EFI/debian/grubx64.efi\n"
	"		chainloader ($esp)/EFI/debian/grubx64.efi\n"
	"	elif regexp --set=1:disk '^(hd[0-9]+),' \"$site\"; then\n"
	"		set root=$disk\n"
	"		chainloader +1\n"
	"	elif regexp '^hd0' \"$root\"; then\n"
	"		set root=hd1\n"
	"		chainloader +1\n"
	"	else\n"
	"		set root=hd0\n"
	"		chainloader +1\n"
	"	fi\n";

void grub_cfg_menu(const char *title, const char *id, const char *kernel_args,
		   struct strbuf *out)
{
	add_serial(kernel_args, out);
	strbuf_addf(out,
		    "set timeout=5\n"
		    "set default=0\n"
		    "search --no-floppy --file --set=site /boot/waybill-installed-%s\n"
		    "if [ -n \"$site\" ]; then set default=1; fi\n"
		    "menuentry 'Waybill: install %s (ERASES this machine)' {\n"
		    "	linux /boot/linux priority=critical waybill.id=%s %s\n"
		    "	initrd /boot/initrd.gz /boot/waybill.gz\n"
		    "}\n"
		    "menuentry 'Waybill: start what this stick has installed' {\n%s}\n",
		    id, title, id, kernel_args, start_installed);
}
