#exit 2
#err mask eval: preset paper: must be one of plain|tuned|section9*
#err mask eval: --scene -1: must be a number from 0 *
#err mask eval: --ood-company 1.5: must be a number from 0 to 1*
#err mask eval: --text-power x: must be a number from 0 to 100*
#err mask eval: --image-power -1: must be a number from 0 to 100*
#err mask eval: --hub-neighbours 2.5: must be a whole number*
#err mask eval: --hub-image-sharpness -1: must be a number from 0 *
#err mask eval: --hub-text-sharpness x: must be a number from 0 *
for o in "--preset paper" "--scene -1" "--ood-company 1.5" "--text-power x" "--image-power -1" "--hub-neighbours 2.5" \
    "--hub-image-sharpness -1" "--hub-text-sharpness x"; do
    mask eval d/full.mask d/demo_precomp --split dev $o
done
