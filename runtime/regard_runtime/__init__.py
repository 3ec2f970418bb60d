"""Models that `regard export` made, without PyTorch.  What stands here once it is built is made of ../src/regard by ../setup.py."""
