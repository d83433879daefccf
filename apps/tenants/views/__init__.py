"""The pages of organizations, projects, members and keys, and of the trail."""
