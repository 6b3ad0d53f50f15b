"""Vocabularies of scene classes, lights and devices, and what FiveK's categories say in them."""
