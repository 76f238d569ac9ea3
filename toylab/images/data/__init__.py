"""Where images come from: digits, CIFAR-10, npz files and folders."""
