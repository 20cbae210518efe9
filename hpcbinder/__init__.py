"""What HPC BinderHub installs inside every image."""

__version__ = "0.1.0"
