# SPDX-License-Identifier: Apache-2.0
#
# Sourced by quickstart and verify: finds or installs what a Debian machine lacks, and builds.

say() {
    printf '[%4d s] %s\n' "${SECONDS}" "$*"
}

fail() {
    say "FAILED: $*" >&2
    exit 1
}

# need PROGRAM:PACKAGE... installs the packages of the programs that are missing.
need() {
    local pair missing=()
    for pair in "$@"; do
        PATH="${PATH}:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 ||
            missing+=("${pair#*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || fail "missing: ${missing[*]}; install them (apt-get install ${missing[*]}) or run this as root"
    command -v apt-get >/dev/null || fail "missing: ${missing[*]}; no apt-get here to install them with"
    say "installing ${missing[*]}"
    apt-get update -qq || say "apt-get update failed; trying with the lists at hand"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get install ${missing[*]}"
}

java_major() {
    "$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p'
}

# Sets JAVA_HOME to a JDK 17, installing one where there is none.
need_jdk_17() {
    local candidate
    for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/*17* ''; do
        if [ -n "${candidate}" ] && [ "$(java_major "${candidate}")" = 17 ]; then
            export JAVA_HOME="${candidate}"
            return 0
        fi
    done
    need no-jdk-17-here:openjdk-17-jdk-headless
    for candidate in /usr/lib/jvm/*17*; do
        if [ "$(java_major "${candidate}")" = 17 ]; then
            export JAVA_HOME="${candidate}"
            return 0
        fi
    done
    fail "no JDK 17 found, and openjdk-17-jdk-headless did not bring one"
}

# Sets MAVEN: mvn where it is new enough, else the wrapper.
need_maven() {
    MAVEN="${ROOT}/mvnw"
    local version
    if command -v mvn >/dev/null 2>&1; then
        version=$(mvn --version 2>/dev/null | sed -n 's/.*Apache Maven \([0-9.]*\).*/\1/p' | head -n 1)
        if [ "$(printf '%s\n' 3.8.7 "${version:-0}" | sort -V | head -n 1)" = 3.8.7 ] &&
            [ "${version%%.*}" = 3 ]; then
            MAVEN=mvn
        fi
    fi
    if [ "${MAVEN}" != mvn ]; then
        command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || need curl:curl
    fi
}

# maven LOG ARGUMENT... offline where that does, else online; a download that failed is tried once more.
maven() {
    local log=$1 attempt
    shift
    for attempt in offline online again; do
        local options=(--batch-mode --no-transfer-progress)
        [ "${attempt}" = offline ] && options+=(--offline)
        if (cd "${ROOT}" && "${MAVEN}" "${options[@]}" "$@") >"${log}" 2>&1; then
            return 0
        fi
        # Only what is missing from the local repository is worth another attempt.
        grep -qE '^\[ERROR\].*(Could not (transfer|find|resolve)|offline mode|could not be resolved|Error (resolving|downloading)|Unknown packaging)' "${log}" ||
            return 1
        [ "${attempt}" = again ] || say "the local Maven repository lacks something; downloading"
    done
    return 1
}
