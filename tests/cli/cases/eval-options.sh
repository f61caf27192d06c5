# Every value of every matching option is taken.
set -e
for o in "--pool max-mean" "--pool region-max" "--pool both" "--pool mean" "--top 5" "--context 0.5" "--whole-region 0" \
    "--whole-region mean" "--whole-region auto" "--ood 10 --ood-temperature 1" "--ood off" "--ood procrustes" "--ood-weight 0.5" \
    "--ood-weight auto" "--calibrate none" "--calibrate centre" "--calibrate zscore" "--calibrate text" "--calibrate full" \
    "--hub-image 1 --hub-text 0 --hub-neighbours 5" "--folds 5" "--captions d/demo_precomp/dev_caps.txt" "--threads=1 --seed 3"; do
    mask eval d/full.mask d/demo_precomp --split dev --json $o | has-keys rsum || echo "$o" >&2
done
