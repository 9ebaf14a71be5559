//! Memory in small pages while a scan gets ready.
//!
//! What is built of the rules before anything is read lies spread over the memory that the allocator asked for in huge pages. Of
//! these each first touch clears two megabytes, most of which a scan of a few files never needs.

/// As long as it lives, the system gives this process no huge pages. It does where it does not know how, or was told not to anyway.
pub(super) struct SmallPages {
    is_mine: bool,
}

impl SmallPages {
    pub(super) fn start() -> Self {
        Self { is_mine: are_huge_given() && forbid_huge(true) }
    }
}

impl Drop for SmallPages {
    fn drop(&mut self) {
        if self.is_mine {
            forbid_huge(false);
        }
    }
}

#[cfg(target_os = "linux")]
fn are_huge_given() -> bool {
    rustix::thread::transparent_huge_pages_are_disabled().is_ok_and(|is_disabled| !is_disabled)
}

#[cfg(not(target_os = "linux"))]
fn are_huge_given() -> bool {
    false
}

/// Tells whether the system heeds it.
#[cfg(target_os = "linux")]
fn forbid_huge(is_forbidden: bool) -> bool {
    rustix::thread::disable_transparent_huge_pages(is_forbidden).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn forbid_huge(_is_forbidden: bool) -> bool {
    false
}
