// Code that is wider than the page can be scrolled with the keyboard as well.
document$.subscribe(() => {
  for (const code of document.querySelectorAll("pre > code")) code.tabIndex = 0;
});
