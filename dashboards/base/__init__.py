"""What the faces share: layout, styles, components, languages, labels."""
