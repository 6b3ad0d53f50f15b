"""The trainer's room: networks, data, training, evaluation, prediction. Only this room imports torch."""
