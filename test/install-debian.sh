#!/usr/bin/env bash
# Installs the Debian packages that the tests need: foreign clients and servers to talk to, a browser, and tools.
# Idempotent, and quick when everything is there.
set -eu

# program:package (a path may hold a wildcard: a program that is not in PATH)
needed='
turnserver:coturn
turnutils_uclient:coturn
/usr/sbin/haproxy:haproxy
chromium:chromium
curl:curl
openssl:openssl
python3:python3
php:php-cli
ip:iproute2
ps:procps
fail2ban-regex:fail2ban
/usr/lib/postgresql/*/bin/postgres:postgresql
/usr/sbin/mariadbd:mariadb-server
mariadb:mariadb-client
redis-server:redis-server
sqlite3:sqlite3
prometheus:prometheus
nft:nftables
iptables:iptables
ufw:ufw
firewall-offline-cmd:firewalld
zsh:zsh
fish:fish
systemd-analyze:systemd
xz:xz-utils
'

# Wildcards stay in the list as they are, until a program is looked for.
set -f
missing=()
for entry in $needed; do
  program=$(set +f; printf '%s\n' ${entry%%:*} | tail -n 1)
  command -v "$program" >/dev/null || missing+=("${entry##*:}")
done

if [ "${#missing[@]}" -eq 0 ]; then
  echo 'test/install-debian.sh: everything is installed'
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "test/install-debian.sh: no apt-get here (not Debian?); install by other means: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "test/install-debian.sh: run as root to install: ${missing[*]}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# Where a service would be started by its package, this says no: the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "${missing[@]}" </dev/null

# A coturn that ran before we came would hold port 3478.
if command -v systemctl >/dev/null && systemctl is-active --quiet coturn 2>/dev/null; then
  systemctl stop coturn
fi
