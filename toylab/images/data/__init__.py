"""The sources of images: digits, CIFAR-10, npz files and folders."""
