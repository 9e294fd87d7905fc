"""Teachers: vector fields v(x, t, label) that carry noise to data, each with its training objective.

| plugin | data | field (torch) | loss |
|---|---|---|---|
| edm | points, pictures | edm_field | edm_loss |
| flow-matching | points | flow_matching_field | the same file |
| flow-matching-unet | pictures | picture_velocity | the same file |
| gaussian | Gaussians, closed form | gaussian_field | none |
| imported | what its checkpoint was trained on | imported_network | none |

A plugin holds options and is read without torch, so that recipes can be printed at once; `build` makes
the field.
"""
