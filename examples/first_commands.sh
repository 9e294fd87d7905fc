. .venv/bin/activate
export KDM_HOME=tiny-home                   # where everything is stored; ./kdm-home if you don't say
kdm run tiny --direct                       # teacher, pairs, filter, student, metrics, report
kdm run tiny                                # again: every stage is `cached`, nothing is computed
kdm ls                                      # the teachers, pairs, students and reports that are stored
kdm sample kdm -n 1000 --out samples.npy    # 1,000 samples of the student `kdm` from fresh noise
kdm pairs show tiny                         # what determines these pairs, and how many were dropped and why
kdm pairs verify tiny                       # check every byte against its digest
kdm pairs export tiny tars --to per-sample  # for other trainers; `--to kdm-npz` is the published layout
kdm filter-pairs tiny --direct --set filters.near-copy.fpr=0.05         # a new threshold, from the stored scores
kdm distill tiny --direct --set students.kdm.training.num_steps=300     # a new student from the old pairs
kdm leaderboard tiny                        # every student of the set: quality beside cost
kdm show tiny > mine.yaml                   # a recipe with every default: edit it, then `kdm run mine.yaml`
