# Every value of every matching option is taken.
set -e
for o in "--pool max-mean" "--pool region-max" "--pool mean" "--top 5" "--context 0.5" "--whole-region 0" \
    "--whole-region mean" "--whole-region auto" "--ood 10 --ood-temperature 1" "--ood off" "--ood procrustes" "--ood-weight 0.5" \
    "--ood-weight auto" "--calibrate none" "--calibrate centre" "--calibrate zscore" "--calibrate text" "--calibrate full" \
    "--hub-image 1 --hub-text 0 --hub-neighbours 5" "--hub-neighbours 0 --hub-image-sharpness 2 --hub-text-sharpness 1" \
    "--scene 0" "--scene 1.5" "--ood-company 1" "--text-power 1" "--image-power 1" "--preset section9" "--preset tuned" "--folds 5" "--captions d/demo_precomp/dev_caps.txt" "--threads=1 --seed 3"; do
    mask eval d/full.mask d/demo_precomp --split dev --json $o | has-keys rsum || echo "$o" >&2
done
