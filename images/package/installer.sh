#!/bin/sh
# Installs Callfloor @VERSION@ on Debian 12 or Raspberry Pi OS (@ARCHITECTURE@) without a network: sudo sh FILE. More: sh FILE --help
# All is in functions and called in the last line: a file that was cut short in here does nothing.
set -eu

VERSION='@VERSION@'
ARCHITECTURE='@ARCHITECTURE@'
BESIDE='@BESIDE@'
COUNT='@COUNT@'
NEEDS_KB='@NEEDS_KB@'
LENGTH=@LENGTH@
LOG=/var/log/callfloor-install.log
# The last line of the file: 64 digits and a newline.
SUM_BYTES=65

# say ES EN PT: one line in the language asked for.
say() {
  case $tongue in
    es) printf 'callfloor: %s\n' "$1" ;;
    pt) printf 'callfloor: %s\n' "$3" ;;
    *) printf 'callfloor: %s\n' "$2" ;;
  esac
}

# refuse ES EN PT: the same as an error, and the end.
refuse() {
  say "$@" >&2
  exit 1
}

usage() {
  case $tongue in
    es) cat <<END ;;
uso: sudo sh $0 [--check] [--allow-downgrade] [--lang es|en|pt]

Instala Callfloor $VERSION ($ARCHITECTURE) sin red. Solo agrega lo que falta; repetirlo no hace nada.
  --check             revisa el archivo y el equipo, dice qué haría y no cambia nada
  --allow-downgrade   también sobre una versión más nueva
Códigos de salida: 0 hecho, o nada que hacer; 1 rechazado o fallido, con el motivo; 2 uso incorrecto.
END
    pt) cat <<END ;;
uso: sudo sh $0 [--check] [--allow-downgrade] [--lang es|en|pt]

Instala o Callfloor $VERSION ($ARCHITECTURE) sem rede. Só acrescenta o que falta; repetir não faz nada.
  --check             confere o arquivo e o equipamento, diz o que faria e não muda nada
  --allow-downgrade   também sobre uma versão mais nova
Códigos de saída: 0 feito, ou nada a fazer; 1 recusado ou com falha, com o motivo; 2 uso incorreto.
END
    *) cat <<END ;;
usage: sudo sh $0 [--check] [--allow-downgrade] [--lang es|en|pt]

Installs Callfloor $VERSION ($ARCHITECTURE) without a network. It adds only what is lacking; a second run does nothing.
  --check             look at the file and at the box, say what would be done, change nothing
  --allow-downgrade   also over a newer version
Exit codes: 0 done, or nothing to do; 1 refused or failed, and why; 2 wrong usage.
END
  esac
}

# The file against its last line, before anything of it is used.
verify() {
  [ -f "$file" ] || refuse "no se puede leer $file: guárdelo y ejecute sh ARCHIVO" "cannot read $file: save it, and run sh FILE" \
    "não é possível ler $file: salve-o e execute sh ARQUIVO"
  size=$(wc -c <"$file")
  said=$(tail -c "$SUM_BYTES" "$file" | tr -dc '0-9a-f')
  found=$(head -c "$((size - SUM_BYTES))" "$file" | sha256sum | cut -d ' ' -f 1)
  [ "$said" = "$found" ] || refuse "el archivo está dañado o incompleto: cópielo otra vez. No se cambió nada" \
    "the file is damaged or incomplete: copy it again. Nothing was changed" \
    "o arquivo está danificado ou incompleto: copie-o de novo. Nada foi alterado"
}

# The box that this file is for.
suits() {
  has=$(dpkg --print-architecture 2>/dev/null || echo '?')
  [ "$has" = "$ARCHITECTURE" ] || refuse "este archivo es para $ARCHITECTURE y el equipo es $has: tome el archivo ...-$has.run" \
    "this file is for $ARCHITECTURE, and this box is $has: take the file ...-$has.run" \
    "este arquivo é para $ARCHITECTURE e o equipamento é $has: use o arquivo ...-$has.run"
  release=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release)
  [ "$release" = 12 ] || refuse "este archivo es para Debian 12 y el sistema es ${release:-otro}" \
    "this file is for Debian 12, and the system is ${release:-another}" "este arquivo é para Debian 12 e o sistema é ${release:-outro}"
}

# state PACKAGE: "installed VERSION", or something else.
state() { dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null || true; }

# Sets `wanted`, what apt is asked for; empty when there is nothing to do.
compare() {
  wanted=
  now=$(state callfloor)
  if [ "$now" != "installed $VERSION" ]; then
    wanted="callfloor=$VERSION"
    case $now in
      installed*)
        if [ -z "$downgrade" ] && dpkg --compare-versions "${now#installed }" gt "$VERSION"; then
          refuse "está instalada una versión más nueva, ${now#installed }: --allow-downgrade la reemplaza" \
            "a newer version is installed, ${now#installed }: --allow-downgrade replaces it" \
            "está instalada uma versão mais nova, ${now#installed }: --allow-downgrade a substitui"
        fi
        ;;
    esac
  fi
  for each in $BESIDE; do
    case $(state "$each") in
      installed*) ;;
      *) wanted="$wanted $each" ;;
    esac
  done
}

# free_kb FOLDER KB: refuse where there is less.
free_kb() {
  free=$(df -Pk "$1" | awk 'END { print $4 }')
  [ "$free" -ge "$2" ] || refuse "faltan $((($2 - free) / 1024 + 1)) MB libres en $1. No se cambió nada" \
    "$1 lacks $((($2 - free) / 1024 + 1)) MB of free space. Nothing was changed" \
    "faltam $((($2 - free) / 1024 + 1)) MB livres em $1. Nada foi alterado"
}

# apt with the repository of this file and no other, and with lists of its own.
apt() {
  LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends --no-remove \
    -o Dir::State::lists="$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@"
}

unpack() {
  # What a pulled plug left behind.
  if [ -z "$check" ]; then rm -rf "${TMPDIR:-/var/tmp}"/callfloor-install.??????; fi
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/callfloor-install.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  free_kb "$work" "$((size / 512))"
  # What follows the program; tar ends at its own end and leaves the last line alone.
  tail -c "+$((LENGTH + 1))" "$file" | tar -x -f - -C "$work"
  mkdir -p "$work/lists/partial"
  echo "deb [trusted=yes] file:$work/repository ./" >"$work/sources.list"
  apt update >"$work/said" 2>&1 || fail "$work/said"
}

# fail FILE: what apt said, as it is.
fail() {
  tail -n 20 "$1" >&2
  refuse "apt no encuentra camino; lo que dijo está arriba. Lo usual: sudo apt-get -f install, o un paquete retenido (apt-mark showhold)" \
    "apt finds no way; what it said is above. Usual: sudo apt-get -f install, or a package on hold (apt-mark showhold)" \
    "o apt não encontra caminho; o que ele disse está acima. Comum: sudo apt-get -f install, ou um pacote retido (apt-mark showhold)"
}

# What apt would do, one package a line, and whether there is room for it.
plan() {
  # shellcheck disable=SC2086 # words
  apt ${downgrade:+--allow-downgrades} -s install $wanted >"$work/said" 2>&1 || fail "$work/said"
  awk '/^Inst / { version = $3; sub(/^\(/, "", version); if (version ~ /^\[/) { version = $3 " " substr($4, 2) } print $2, version }' "$work/said" >"$work/plan"
  count=$(wc -l <"$work/plan")
  say "por instalar: $count de los $COUNT paquetes del archivo" "to be installed: $count of the file's $COUNT packages" \
    "a instalar: $count dos $COUNT pacotes do arquivo"
  sed 's/^/  /' "$work/plan"
  needs=$(awk 'NR == FNR { plan[$1] = 1; next } /^Package:/ { name = $2 } /^Installed-Size:/ && name in plan { sum += $2 } END { print sum + 20480 }' \
    "$work/plan" "$work/repository/Packages")
  [ "$needs" -le "$NEEDS_KB" ] || needs=$NEEDS_KB
  free_kb / "$needs"
}

install() {
  # A power cut in the middle of an earlier one: what was begun is ended first.
  if [ -n "$(dpkg --audit 2>&1)" ]; then LC_ALL=C DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a >>"$LOG" 2>&1 || true; fi
  # shellcheck disable=SC2086 # words
  { apt ${downgrade:+--allow-downgrades} install $wanted 2>&1 || echo failed >"$work/failed"; } | tee -a "$LOG" | sed -n 's/^Setting up \(.*\) \.\.\.$/  + \1/p'
  if [ -e "$work/failed" ]; then
    tail -n 20 "$LOG" >&2
    refuse "la instalación falló; todo lo dicho está en $LOG. Repetir la orden continúa donde quedó" \
      "the installation failed; all that was said is in $LOG. The same command again goes on from there" \
      "a instalação falhou; tudo o que foi dito está em $LOG. O mesmo comando continua de onde parou"
  fi
  callfloor --version >/dev/null || refuse "instalado, pero callfloor no arranca: mire $LOG" \
    "installed, but callfloor does not start: look at $LOG" "instalado, mas o callfloor não inicia: veja $LOG"
}

main() {
  file=$0 check='' downgrade='' work=''
  tongue=${LC_ALL:-${LC_MESSAGES:-${LANG:-en}}}
  tongue=${tongue%%_*}
  while [ $# -gt 0 ]; do
    case $1 in
      --check) check=yes ;;
      --allow-downgrade) downgrade=yes ;;
      --lang) tongue=${2:-}; [ $# -gt 1 ] && shift ;;
      --lang=*) tongue=${1#*=} ;;
      --version) echo "callfloor $VERSION $ARCHITECTURE"; exit 0 ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  verify
  suits
  compare
  if [ -z "$wanted" ]; then
    say "$VERSION ya está instalado; nada que hacer" "$VERSION is installed already; nothing to do" "$VERSION já está instalado; nada a fazer"
    exit 0
  fi
  if [ -z "$check" ] && [ "$(id -u)" != 0 ]; then
    refuse "hace falta root: sudo sh $file" "this needs root: sudo sh $file" "é preciso root: sudo sh $file"
  fi
  unpack
  plan
  if [ -n "$check" ]; then
    say "archivo íntegro, equipo apto. No se cambió nada" "the file is whole, the box suits. Nothing was changed" \
      "arquivo íntegro, equipamento adequado. Nada foi alterado"
    exit 0
  fi
  install
  say "$VERSION instalado. Sigue: sudo callfloor provision" "$VERSION is installed. Next: sudo callfloor provision" \
    "$VERSION instalado. Próximo: sudo callfloor provision"
  exit 0
}

main "$@"
