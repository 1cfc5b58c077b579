#!/bin/bash
# A stick that stays in: it starts what it has installed, and installs where it has not. In
# QEMU, on BIOS and UEFI, up to the boot loader's choice.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need siteusb imagerepo jq qemu-system-x86_64 mke2fs mformat grub-mkimage
[ -r /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF"
PORT=console=ttyS0,115200n8
SAYS="the installed system"

make_gnupg operator
ssh-keygen -q -t ed25519 -N '' -C hq -f host
imagerepo init --repo repo --key "$KEY_FPR" --list-key "$KEY_FPR" --url http://pkg.example.org/ \
	--server gate@hq.example.org --host-key host.pub >&2
imagerepo --repo repo site add kbh1 >&2
siteusb build --site kbh1 --repo repo --cache "$top_builddir/tests/siteusb-cache" -o stick.img \
	--kernel-args $PORT
id=$(siteusb check --json stick.img | jq -r .id)

# le32 NUMBER: little-endian, as printf's escapes
le32()
{
	local n=$1 _
	for _ in 1 2 3 4; do
		printf '\\x%02x' $((n & 255))
		n=$((n >> 8))
	done
}

# boot_sector: says $SAYS on the first serial port through the BIOS (INT 14h), and halts
boot_sector()
{
	local i
	for ((i = 0; i < ${#SAYS}; i++)); do
		printf '\xb8%s\x01\x31\xd2\xcd\x14' "${SAYS:i:1}" # mov ax,0x01cc; xor dx,dx; int 0x14
	done
	printf '\xf4\xeb\xfd'					   # hlt, again
}

# make_disk MARK: disk.img, ESP and root file system, which has /boot/waybill-installed-MARK
make_disk()
{
	rm -rf tree disk.img
	mkdir -p tree/boot
	touch "tree/boot/waybill-installed-$1"
	truncate -s 40M disk.img
	boot_sector | dd of=disk.img conv=notrunc status=none
	# Two partitions: EFI at 1 MiB, Linux at 9 MiB
	printf %b "$(le32 0)$(le32 0xef)$(le32 2048)$(le32 16384)" \
		"$(le32 0)$(le32 0x83)$(le32 18432)$(le32 63488)" |
		dd of=disk.img bs=1 seek=446 conv=notrunc status=none
	printf '\x55\xaa' | dd of=disk.img bs=1 seek=510 conv=notrunc status=none
	mke2fs -q -t ext4 -d tree -E offset=$((18432 * 512)) disk.img 31744k 2>/dev/null
	printf 'serial --unit=0 --speed=115200\nterminal_output serial\necho "%s"\nsleep 600\n' \
		"$SAYS" >installed.cfg
	grub-mkimage -O x86_64-efi -c installed.cfg -p / -o grubx64.efi serial terminal echo sleep
	mformat -i disk.img@@1M -T 16384 -h 16 -s 63 ::
	mmd -i disk.img@@1M ::/EFI ::/EFI/debian
	mcopy -i disk.img@@1M grubx64.efi ::/EFI/debian/
}

# boots FIRMWARE TEXT: what the serial port says in the end
boots()
{
	local args=() pid
	if [ "$1" = uefi ]; then
		cp /usr/share/OVMF/OVMF_VARS_4M.fd nvram
		args=(-drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
			-drive "if=pflash,format=raw,file=nvram")
	fi
	rm -f console
	qemu-system-x86_64 -nodefaults -no-user-config -display none -M q35 -accel tcg \
		-cpu qemu64,-cx16 -m 512 "${args[@]}" -serial file:console \
		-drive if=none,id=stick,file=stick.img,format=raw,snapshot=on -device qemu-xhci \
		-device usb-storage,drive=stick,removable=on,bootindex=1 \
		-drive if=none,id=disk,file=disk.img,format=raw,snapshot=on \
		-device virtio-blk-pci,drive=disk,bootindex=2 </dev/null 2>stderr &
	pid=$!
	track_pid $pid
	wait_for 180 "$1 says: $2" grep -qaF "$2" console
	stop_pid $pid
}

for firmware in bios uefi; do
	note "$firmware: this stick has installed it"
	make_disk "$id"
	boots $firmware "$SAYS"
	note "$firmware: another has"
	make_disk 0123456789abcdef
	boots $firmware "Linux version"
	! grep -qaF "$SAYS" console || fail "it started the old system"
done
