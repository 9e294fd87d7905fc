"""Files of torch.save and pickle, read as data: nothing in them is imported, called or built."""
