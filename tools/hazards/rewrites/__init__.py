"""The known safe forms, one a file. A form is proven on the user's own migration before anybody sees it."""
