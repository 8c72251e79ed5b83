/*
 * test_points.h - every store of the code under test is a numbered point, at which its process can be killed.
 *
 * That code is compiled with -fsanitize=thread, so that a call comes before each load and store, at the
 * beginning and the end of each function; the calls end in test_points.c instead of the sanitizer. So do
 * those of the lock, by the linker's --wrap: it is a point too when it has been taken, and before it is given back.
 */
#ifndef ASSAY_ALLOC_TEST_POINTS_H
#define ASSAY_ALLOC_TEST_POINTS_H

/* Kills this process at its n-th point from now, n counting from 1; 0: never. */
void kill_at_point(unsigned long n);
/* Stops it there instead, until it is told to go on or killed. */
void stop_at_point(unsigned long n);
/* How many points this process has passed. */
unsigned long points_passed(void);

#endif
