#!/bin/sh
# unshare --mount sh boot.sh BASE [INIT]: starts the Debian in BASE, with systemd (or INIT) as process 1, in namespaces
# and a control group of its own. Writes "up PID" once its files are in place. BASE stays as it is: what is written goes
# into memory. All of it is gone when this ends, by itself or by SIGTERM. The network is the machine's, so that tests'
# servers on loopback are within reach, and so that pip and apt find what the machine's find.
set -eu
base=$1
init=${2:-/sbin/init}

if [ "$$" != 1 ]; then
    mount -t cgroup2 cgroup2 /mnt
    group=/mnt/promptly-tests-$$
    mkdir "$group"
    # shellcheck disable=SC2016
    sh -c 'echo $$ >"$0/cgroup.procs" && exec setpriv --pdeathsig KILL \
        unshare --mount --pid --ipc --uts --cgroup --fork --kill-child sh "$@"' "$group" "$0" "$base" "$init" &
    inner=$!
    trap 'kill -KILL "$inner"' TERM
    ended=0
    wait "$inner" || ended=$?
    trap - TERM
    wait "$inner" 2>/dev/null || true
    # What was killed needs a moment to leave.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.1
    done
    exit "$ended"
fi

mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$base,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
# The kernel's settings are the machine's.
for kept in proc/sys sys; do
    mount --bind "$kept" "$kept"
    mount -o remount,bind,ro "$kept"
done
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
hostname clinic
pivot_root . .
umount -l .
# As any machine's: what systemd lays out for a service it mounts in a place of its own first.
mount --make-rshared .
echo up
# By this variable systemd knows that devices and the kernel's settings are somebody else's.
exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=tests "$init" >&2
