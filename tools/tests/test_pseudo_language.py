"""What is put outside of the brackets is found."""

from pseudo_language import unbracketed


def test_a_text_in_no_brackets_is_found() -> None:
    page = '<h1 title="seen">⟦Calls of ⟦one⟧ client⟧ twelve</h1><code>hidden</code>'
    assert unbracketed(page) == {"seen", "twelve"}
