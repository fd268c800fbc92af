"""From a noised state to a picture: noise, noise levels, masks, solvers."""
