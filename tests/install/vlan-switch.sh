# shellcheck shell=bash
# A switch whose one port is tagged: a machine in QEMU between the one under test, which must
# tag what it sends, and QEMU's user network. Sourced after tiny.sh and machine.sh.
#
#     vlan_switch ID      # sets MACHINE_NETDEV

# _vlan_switch_initrd RELEASE ID: of busybox, which bridges the tag's frames and the others
_vlan_switch_initrd()
{
	local release=$1 id=$2 tree=$T/vlan-switch
	mkdir -p "$tree"/{bin,proc,sys,dev}
	cp /bin/busybox "$tree/bin/"
	initrd_modules "$T/kernels/$release" "$release" "$tree/modules" virtio_pci virtio_net 8021q \
		bridge
	cat >"$tree/init" <<-INIT
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		PATH=/bin
		mount -t sysfs sysfs /sys
		while read -r module; do
			insmod /modules/\$module
		done </modules/order
		vconfig add eth0 $id
		brctl addbr switch
		brctl addif switch eth0.$id
		brctl addif switch eth1
		for port in eth0 eth0.$id eth1 switch; do
			ip link set \$port up
		done
		echo "switch: tag $id"
		while :; do sleep 1000; done
	INIT
	chmod 755 "$tree/init"
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$T/vlan-switch.cpio"
}

vlan_switch()
{
	local release port
	release=$(host_kernels "$T/kernels" | tail -n 1)
	_vlan_switch_initrd "$release" "$1"
	port=$(free_port)
	qemu-system-x86_64 -nodefaults -no-user-config -display none -M q35 -accel tcg -m 128 \
		-kernel "$T/kernels/$release/boot/vmlinuz-$release" -initrd "$T/vlan-switch.cpio" \
		-append "console=ttyS0 quiet net.ifnames=0" -serial "file:$T/vlan-switch.console" \
		-netdev "socket,id=tagged,listen=127.0.0.1:$port" \
		-device virtio-net-pci,netdev=tagged,romfile=,mac=52:54:00:53:57:01 \
		-netdev user,id=untagged,ipv6=off \
		-device virtio-net-pci,netdev=untagged,romfile=,mac=52:54:00:53:57:02 \
		</dev/null 2>"$T/vlan-switch.stderr" &
	track_pid $!
	wait_for 120 "the switch" grep -q "switch: tag" "$T/vlan-switch.console"
	# shellcheck disable=SC2034 # read by machine.sh
	MACHINE_NETDEV="socket,id=net,connect=127.0.0.1:$port"
}
