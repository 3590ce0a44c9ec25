"""Hand out, collect and grade: `dlcourse release`, `dlcourse grade` (the extra `grading`, Linux only).

A submission is read and run in a sandbox (sandbox.py), by programs that only hand back plain data
(inside/). What it is worth is decided here, from that data, by the same checks that learners have
(verdicts.py); nbgrader's gradebook keeps the record (record.py). One concept, one file:

    plan.py         what an assignment consists of: exercises, points, seed, the private key
    reserved.py     problems that appear in no public page, made from a chapter's checks and the seed
    written.py      questions that a person grades, each with its rubric; exam.py: twelve for an exam
    release.py      the notebook for students, the private record for the grader
    collecting.py   which file is whose submission; what its cells are
    sandbox.py      where foreign code runs, and what it may use up; seccomp.py: what it may ask of Linux
    running.py      a submission's cells in, the outcomes of its answers out
    verdicts.py     outcomes in, points and words out
    course.py       a whole class: what is new, several at a time, resumable
    record.py       the gradebook; feedback.py, report.py: what students and instructors read
"""
