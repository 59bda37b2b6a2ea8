#!/bin/sh
# Boots this host's systemd as a system of its own, for deb.test.ts: in namespaces, on an overlay over this host's files.
# Whatever happens there, the host does not see it, and it is gone with the last process. Takes root.
# boot-systemd.sh MOUNT CGROUP: two empty directories, the second one in a cgroup2 hierarchy.
set -eu
mount=$1
cgroup=$2

if [ "${3-}" != inside ]; then
  echo $$ >"$cgroup/cgroup.procs"
  # With the test, however it ends.
  exec setpriv --pdeathsig KILL -- unshare --mount --pid --cgroup --ipc --uts --net --fork --kill-child "$0" "$mount" "$cgroup" inside
fi

mount --make-rprivate /
mount -t tmpfs tmpfs "$mount"
mkdir "$mount/upper" "$mount/work" "$mount/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$mount/upper,workdir=$mount/work" "$mount/root"
cd "$mount/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
[ -w sys/fs/cgroup ] || mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --rbind /dev dev
# The one network that clients and server share, without a way out.
ip link set lo up
ip addr add 10.99.0.1/24 dev lo
# What the host would start of its own has no place here; a package that is installed may start.
rm -f usr/sbin/policy-rc.d
mkdir -p etc/systemd/system
printf '[Unit]\nDescription=Nothing but what is asked for\nDefaultDependencies=no\n' >etc/systemd/system/bare.target
for unit in systemd-udevd systemd-udev-trigger systemd-modules-load systemd-sysctl systemd-networkd systemd-timesyncd apparmor networking; do
  ln -sf /dev/null "etc/systemd/system/$unit.service"
done
exec chroot . /usr/bin/env -i container=turnd-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=bare.target --show-status=no --log-target=null
