"""Families, members, places and policies as openIMIS sent them, found again."""
