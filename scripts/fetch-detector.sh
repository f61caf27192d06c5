#!/bin/sh
# fetch-detector.sh [E.menc]: the object detector of the npm package @mediapipe/objectron (Apache-2.0, 33 MB to fetch) as an
# encoder of photos. npm takes it from whichever registry it is configured for; the archive must have the checksum below.
set -eu
package=@mediapipe/objectron
version=0.4.1675468480
archive=mediapipe-objectron-$version.tgz
sha512=2285ae5b4a2373d19a496e94a030885e0c232d2a9311c479c3c358b861fe479faafa72b34bb28e2067d8fdecb1e03b6d45eba66f7f7c5baf8fa56d0343646cff
bundle=objectron_solution_packed_assets.data

cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
out=${1:-$BUILD/objectron.menc}
[ -f "$out" ] && exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if command -v npm > /dev/null; then
    (cd "$folder" && npm pack "$package@$version" > pack.log 2>&1) || {
        cat "$folder/pack.log" >&2
        echo "$package cannot be fetched: see to the network, or fetch $archive elsewhere and make $out of its $bundle by: mask encoder import" >&2
        exit 1
    }
else
    registry=${npm_config_registry:-$(sed -n 's/^registry *= *//p' "$HOME/.npmrc" 2> /dev/null || true)}
    [ -n "$registry" ] || { echo "npm is missing: install it, or set npm_config_registry to the registry to fetch from" >&2; exit 1; }
    curl -fsSL -o "$folder/$archive" "${registry%/}/$package/-/objectron-$version.tgz"
fi
echo "$sha512  $folder/$archive" | sha512sum --check --status || { echo "$archive: its checksum is wrong" >&2; exit 1; }
tar -xzf "$folder/$archive" -C "$folder" "package/$bundle"
"$BUILD/mask" encoder import "$folder/package/$bundle" -o "$out" \
    --provenance "$package $version ($bundle), Apache-2.0: SSD MobileNetV2 trained on Open Images"
