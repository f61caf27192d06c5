#!/bin/sh
# fuzz.sh SECONDS [TARGET...]: runs the fuzz targets (tests/fuzz/), those named or all, for so long each, one after the other,
# from tests/corpus/ and what earlier runs gathered in build-fuzz/corpus/. Prints a line for each; what breaks one stays in
# build-fuzz/found/, and the exit status is 1. MERGE=1: only then makes the gathered corpora small again.
# fuzz.sh coverage [TARGET...]: which lines of src/ these inputs reach, and 30 damaged copies of each in tests/corpus/ (clang's coverage, build-coverage/):
# a table of rooms by targets; files.txt there has every file.
set -eu
cd "$(dirname "$0")/.."
what=$1
shift
build=build-fuzz
options="-DMASK_FUZZ=ON -DMASK_SANITIZE=ON"
[ "$what" = coverage ] && build=build-coverage && options="-DCMAKE_C_FLAGS=-fprofile-instr-generate\ -fcoverage-mapping"
export OMP_NUM_THREADS=1 ASAN_OPTIONS=allocator_may_return_null=1:detect_odr_violation=0 TMPDIR="${TMPDIR:-/dev/shm}"
eval cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=clang -DMASK_NATIVE=ON $options > $build.log 2>&1 || { cat $build.log; exit 1; }
rm $build.log
ninja -C $build --quiet fuzz-targets
[ $# -gt 0 ] || set -- $(ls tests/fuzz | sed -n 's/^fuzz-\(.*\)\.c$/\1/p')

if [ "$what" = coverage ]; then
    rm -f $build/*.prof*
    merge=$(command -v llvm-profdata || echo llvm-profdata-14)
    # report DATA PROGRAM...: a line for each file: lines, lines missed
    report() {
        data=$1
        shift
        "${merge%profdata*}cov${merge#*profdata}" report -instr-profile "$data" $(printf -- '-object %s ' "$@" | sed 's/-object //') \
            -ignore-filename-regex 'tests/|generated/' | awk '/^src/ {print $1, $8, $9}'
    }
    programs=
    for name; do
        gathered=build-fuzz/corpus/$name
        [ -d "$gathered" ] || gathered=
        for inputs in "--damage 30 tests/corpus/$name" $gathered; do
            LLVM_PROFILE_FILE=$build/$name-%p.profraw $build/tests/fuzz-"$name" $inputs > $build/$name.log 2>&1 ||
                { tail -n 1 $build/$name.log >&2; exit 1; }
        done
        "$merge" merge -sparse $build/"$name"-*.profraw -o $build/"$name".profdata
        report $build/"$name".profdata $build/tests/fuzz-"$name" | sed "s/^/$name /"
        programs="$programs $build/tests/fuzz-$name"
    done > $build/each.txt
    "$merge" merge -sparse $build/*.profraw -o $build/all.profdata
    report $build/all.profdata $programs > $build/files.txt
    # Of all lines of a room: in percent, those that each target reached, and all of them together.
    awk -v targets="$*" 'FNR == NR {split($1, path, "/"); lines[path[2]] += $2; all[path[2]] += $2 - $3; next}
        {split($2, path, "/"); reached[path[2] " " $1] += $3 - $4}
        END {
            n = split(targets, t, " ")
            printf "| room | lines | all |"; for (i = 1; i <= n; i++) printf " %s |", t[i]
            printf "\n|---|---|---|"; for (i = 1; i <= n; i++) printf "---|"
            for (room in lines) {
                printf "\n| %s | %d | %.0f |", room, lines[room], 100 * all[room] / lines[room] | "sort"
                for (i = 1; i <= n; i++) printf " %s |", reached[room " " t[i]] ? sprintf("%.0f", 100 * reached[room " " t[i]] / lines[room]) : "" | "sort"
            }
            printf "\n" | "sort"
        }' $build/files.txt $build/each.txt
    exit
fi

mkdir -p $build/found
broken=0
printf '%-12s %10s %8s %8s %8s  %s\n' target runs seconds edges corpus found
for name; do
    mkdir -p $build/corpus/"$name" $build/merged
    if [ "${MERGE:-}" ]; then
        rm -rf $build/merged/"$name"
        mkdir -p $build/merged/"$name"
        $build/tests/fuzz-"$name" -merge=1 -timeout=25 $build/merged/"$name" tests/corpus/"$name" $build/corpus/"$name" > $build/$name.log 2>&1
        rm -r $build/corpus/"$name"
        mv $build/merged/"$name" $build/corpus/"$name"
        continue
    fi
    dictionary=tests/corpus/$name.dict
    [ -f "$dictionary" ] && dictionary=-dict=$dictionary || dictionary=
    $build/tests/fuzz-"$name" -max_total_time="$what" -timeout=25 -rss_limit_mb=4096 -malloc_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
        -artifact_prefix=$build/found/"$name"- $dictionary $build/corpus/"$name" tests/corpus/"$name" > $build/$name.log 2>&1 && found= || found=BROKEN broken=1
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' $build/$name.log | tail -1)
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' $build/$name.log)
    printf '%-12s %10s %8s %8s %8s  %s\n' "$name" "${runs:-?}" "$what" "${edges:-?}" "$(ls $build/corpus/"$name" | wc -l)" "$found"
    [ -z "$found" ] || grep -m 3 -E 'does not hold|ERROR:|runtime error' $build/$name.log || true
done
exit $broken
