"""The attack battery: methods under attacks, scores against chance, and the outcome."""
