"""JavaScript that several components share."""

__all__ = ["MAKE"]

# What data says becomes text and never markup.
MAKE = """
const make = (tag, text, classes) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (classes) made.className = classes;
  return made;
};
"""
