//! Directory trees and single files.
