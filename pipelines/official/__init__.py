"""The published IEA40K layout, read into a store and written from a release, exactly both ways.

IEA_img/<scene>_<level>.png                 exposures
label/exposure_condition/<scene>_<level>.npy   residuals in units of 1/255, 256x256, float or int
label/global_best/<scene>.png               references
train_256.csv, train_256_2ev.csv, valid_256_2ev.csv   img_id, ref_id, score
"""
