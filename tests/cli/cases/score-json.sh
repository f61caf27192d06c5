mask score d/full.mask --images d/demo_precomp --split dev --image '#7' --text "a dog" --json |
    has-keys score image text_mean text_deviation hub_image hub_text words.token words.kind words.cosines boxes
