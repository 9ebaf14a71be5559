//! Container images: archives and layouts, every file of every layer.
