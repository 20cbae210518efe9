"""Records of archives: from what an archive says about one to a commit that is always the same."""
