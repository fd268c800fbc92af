"""Pictures of the documents, made with the pack itself."""
