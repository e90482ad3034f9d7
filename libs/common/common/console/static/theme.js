// Before the page is painted: the theme that was chosen, else the system's.
{
  const chosen = localStorage.getItem("kiungo-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}
