"""Writes a trained student as one file that other programs run: ONNX, or torch.export's."""
