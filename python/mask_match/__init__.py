"""mask_match: matches images with texts without ever having seen a paired caption (MASK, ICLR 2026).

    import mask_match
    photos = mask_match.Photos("~/Pictures")
    photos.search("a dog in the snow")

For research: Knowledge.learn, Knowledge.calibrate, Matcher.scores, recalls, rerank. docs/python.md has a tour.
"""
from ._core import MaskError, Status, Struct, describe as describe_options, lib as _lib, text as _text, use
from .data import (Dataset, Images, Labels, Texts, Vectors, data_file, open_dataset, regions_from_detections, regions_from_entities,
                   regions_from_genome)
from .encoders import Encoder, Head
from .evaluate import AtR, Ranks, Recalls, Reranking, map_at_r, ranks, recalls, rerank, save_scores
from .gallery import Annotator, Gallery, Hit, HitWord, Results
from .knowledge import Choice, Explanation, Knowledge, Matcher, Reading, Scores, Word
from .photos import Extractor, PhotoFacts, Photos, Regions, describe_store, extract, photo_facts, search_photos, thumbnail

__version__: str = _text(_lib.mask_version())
__all__ = ["Annotator", "AtR", "Choice", "Dataset", "Encoder", "Explanation", "Extractor", "Gallery", "Head", "Hit", "HitWord", "Images",
           "Knowledge", "Labels", "MaskError", "Matcher", "PhotoFacts", "Photos", "Ranks", "Reading", "Recalls", "Regions", "Reranking",
           "Results", "Scores", "Status", "Struct", "Texts", "Vectors", "Word", "data_file", "describe_options", "describe_store",
           "extract", "map_at_r", "open_dataset", "photo_facts", "ranks", "recalls", "regions_from_detections", "regions_from_entities",
           "regions_from_genome", "rerank", "save_scores", "search_photos", "thumbnail", "use"]
