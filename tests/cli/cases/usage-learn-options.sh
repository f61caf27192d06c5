#exit 2
#err mask learn: --preset frob: must be one of tuned, section9, paper*
#err mask learn: --power 0: must be a number from 0.01 to 1*
#err mask learn: --power 1.5: must be a number from 0.01 to 1*
#err mask learn: --whiten-shrink -1: must be a number from 0 *
#err mask learn: --prototype-shrink x: must be a number from 0 *
#err mask learn: --reliability -0.1: must be a number from 0 to 10*
#err mask learn: --no-scenes takes no value*
#err mask learn: --prototype median: must be one of mean, random*
#err mask learn: --epochs -1: must be a whole number from 0 *
#err mask learn: --epochs 1.5: must be a whole number*
#err mask learn: --lambda-cm -3: must be a number from 0 *
#err mask learn: --lambda-cl x: must be a number from 0 *
#err mask learn: --input frob: must be one of raw, whiten*
#err mask learn: --start frob: must be one of random, whiten*
#err mask learn: --schedule frob: must be one of constant, cosine*
#err mask learn: --residual maybe: must be one of off, on*
#err mask learn: --pae-fc 17: must be a whole number from 0 to 16*
for o in "--preset frob" "--power 0" "--power 1.5" "--whiten-shrink -1" "--prototype-shrink x" "--reliability -0.1" \
    "--no-scenes=1" "--prototype median" "--epochs -1" "--epochs 1.5" "--lambda-cm -3" "--lambda-cl x" "--input frob" \
    "--start frob" "--schedule frob" "--residual maybe" "--pae-fc 17"; do
    mask learn d/knowledge --vectors d/v.mvec -o K.mask $o
done
