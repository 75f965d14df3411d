"""Rules tried over recorded history, without touching anything live."""
