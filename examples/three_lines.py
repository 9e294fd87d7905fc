import kdm

student = kdm.train_student(kdm.open_pairs("tiny"), "kdm", num_steps=300)
x_0 = student.sample(64)  # a tensor [64, *shape]
