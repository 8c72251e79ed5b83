#!/bin/sh
# programs.sh LIBRARY PROGRAM: runs a real program with and without LIBRARY in front of its malloc, and expects the
# same output and the same exit code. Exits 4 if the program is not there.
set -eu
library=$1 program=$2
python=/usr/bin/python3 # the one whose tests are a package; another one may come first in the path
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export LC_ALL=C HOME="$folder" GIT_CONFIG_NOSYSTEM=1 PYTHONDONTWRITEBYTECODE=1

needs() {
    for word in "$@"; do
        command -v "$word" >/dev/null || {
            echo "$word is not installed"
            exit 4
        }
    done
}

# Each run_NAME works in an empty folder, and prints what must be the same. $lines scales what is made up.

run_sqlite() {
    sqlite3 test.db <<'SQL'
create table t(a integer primary key, b text, c blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
insert into t select i, 'row ' || (i * 7919 % 60000), zeroblob(i % 300) from n;
create index t_b on t(b);
update t set c = zeroblob(200000) where a % 10000 = 0;
select count(*), sum(length(c)), min(b), max(b) from t;
select b, a from t where b like 'row 1%9' order by b desc limit 20;
select substr(b, 1, 6), count(*) from t group by 1 order by 2 desc, 1 limit 10;
delete from t where a % 3 = 0;
vacuum;
pragma integrity_check;
SQL
    cksum <test.db
}

run_git() {
    git init -q -b main origin
    cd origin
    git config user.name assay
    git config user.email assay@localhost
    for commit in 1 2 3 4 5 6 7 8; do
        awk -v n="$commit" 'BEGIN { for (i = 0; i < 20000; i++) print i * n % 7919, i }' >"numbers$((commit % 3))"
        echo "$commit" >"file$commit"
        git add -A
        GIT_AUTHOR_DATE="@$commit +0000" GIT_COMMITTER_DATE="@$commit +0000" git commit -qm "commit $commit"
    done
    git log --format='%H %s' --stat
    cd ..
    git clone -q --no-local origin copy
    cd copy
    git gc -q --aggressive
    git fsck --strict 2>&1
    git rev-list --all --objects | sort | cksum
}

source_of() {
    awk 'BEGIN {
        print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
        for (i = 0; i < 1500; i++) {
            printf "static int f%d(const char *s, int n)\n{\n    int sum = %d;\n", i, i
            printf "    for (int i = 0; i < n && s[i]; i++)\n        sum = sum * 31 + (s[i] ^ %d);\n", i % 97
            printf "    return %s;\n}\n", i ? "sum & 1 ? sum + f" (i - 1) "(s + (n > 0), n - 1) : sum" : "sum"
        }
        print "int main(void)\n{\n    printf(\"%d\\n\", f1499(\"knuth\", 5));\n    return 0;\n}"
    }' >large.c
}

run_gcc() {
    source_of
    gcc -O2 -g -S -fdebug-prefix-map="$PWD"=. -o large.s large.c
    cksum <large.s
    gcc -O1 -o large large.c
    ./large
}

run_clang() {
    source_of
    clang -O2 -g -S -fdebug-prefix-map="$PWD"=. -o large.s large.c
    cksum <large.s
    clang -O1 -o large large.c
    ./large
}

run_perl() {
    perl -e '
        use strict; use warnings;
        my (%seen, @rows, $text);
        for my $i (1 .. 60000) {
            my $word = join "", map { chr(97 + ($i * $_ * 31) % 26) } 1 .. 1 + $i % 12;
            push @rows, [$i, $word, $word x ($i % 5)];
            $seen{$word}{$i % 100} .= "$i,";
            $text .= "$word ";
        }
        my @sorted = sort { $a->[1] cmp $b->[1] || $a->[0] <=> $b->[0] } @rows;
        print "@{$sorted[$_ * 1000]}\n" for 0 .. 59;
        print scalar(keys %seen), " ", length $text, "\n";
        my $count = () = $text =~ /\b(\w)\w*\1\b/g;
        $text =~ s/(\w+) (\w+)/$2 $1/g;
        print "$count ", unpack("%32C*", $text), "\n";
        my $pid = fork // die; if (!$pid) { my @more = map { "x" x $_ } 1 .. 2000; exit 0 } waitpid $pid, 0; print "$?\n";'
}

run_redis() {
    redis-server --port 0 --unixsocket "$PWD/socket" --save '' --daemonize no >server.log 2>&1 &
    server=$!
    tries=0
    until redis-cli -s socket ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { cat server.log; exit 1; }
        sleep 0.1
    done
    redis-benchmark -s socket -q -n 20000 -r 5000 -d 100 -t set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100 >bench.log
    # The number of answers, not how fast they were.
    sed -E 's/\r/\n/g' bench.log | grep 'requests per second' | sed -E 's/: .*//'
    redis-cli -s socket eval 'for i = 1, 20000 do redis.call("set", "k" .. i, string.rep("v", i % 3000)) end
        local sum = 0 for i = 1, 20000 do sum = sum + redis.call("strlen", "k" .. i) end return sum' 0
    redis-cli -s socket config set save '' >/dev/null
    redis-cli -s socket bgsave
    redis-cli -s socket flushall
    redis-cli -s socket dbsize
    redis-cli -s socket shutdown nosave || true
    wait "$server"
}

run_python() {
    status=0
    "$python" -m test -j0 --timeout 600 test_list test_dict test_json test_threading test_subprocess >log 2>&1 || status=$?
    # Times, loads and the order of modules differ from run to run.
    grep -E '^(Result|Tests result|.* (failed|skipped):|    test_)|^All [0-9]+ tests OK' log
    [ "$status" -eq 0 ] || cat log
    return "$status"
}

case $program in
sqlite) needs sqlite3 ;;
redis) needs redis-server redis-benchmark redis-cli ;;
python)
    needs "$python"
    "$python" -c "import test.test_list" 2>/dev/null || { echo "$python has no test modules"; exit 4; }
    ;;
*) needs "$program" ;;
esac

# The answers of one run; what it starts inherits the library.
answers() {
    mkdir "$1"
    code=0
    (cd "$1" && export LD_PRELOAD="$2" && "run_$program") >"$1.out" 2>&1 || code=$?
    echo "exit $code" >>"$1.out"
}

answers without ''
answers with "$library"
grep -q '^exit 0$' without.out || {
    echo "$program does not run without the library either:"
    cat without.out
    exit 1
}
diff without.out with.out || exit 1
[ "$(wc -l <with.out)" -gt 1 ] # it said something
