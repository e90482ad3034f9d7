"""How a service adds pages: a `Pages` blueprint and `register_console`.

    # esb_relay/console/pages.py; templates/pages/*.html and static/ stand beside it
    pages = Pages(__name__, "/admin/esb", area=Area.ESB)

    @pages.page("/keys/")                                       # GET, whoever may read
    def keys() -> ResponseReturnValue: ...

    @pages.act("/keys/<name>/retire/", StaffRole.ADMIN)         # POST, a form with its token
    def retire(name: str) -> ResponseReturnValue: ...

Everything is closed: a view that was added in any other way is refused to everybody.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Flask, g
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from werkzeug.exceptions import NotFound

from common import texts
from common.console import assets, flashes, guard, navigation, presenting
from common.console.rights import SIGNED_IN, Area, Right, StaffRole, Wanted, right_of
from common.console.settings import ConsoleSettings
from common.console.staff import Staff, staff_of_pass
from common.texts import _

View = TypeVar("View", bound=Callable[..., Any])


class Pages(Blueprint):
    """A service's pages below `url_prefix`; its endpoints are `console.<view's name>`."""

    def __init__(
        self,
        import_name: str,
        url_prefix: str,
        *,
        area: Area,
        least_role: StaffRole = StaffRole.VIEWER,
        **options: Any,
    ) -> None:
        """`least_role` reads pages that name nothing else; roles stand for rights of `area`."""
        super().__init__(
            "console",
            import_name,
            url_prefix=url_prefix,
            template_folder="templates",
            **{"static_folder": "static", **options},
        )
        self.area = area
        self._least_role = least_role
        #: The right that each view wants; None: it is open to all.
        self.rights: dict[str, Right | str | None] = {"console.static": SIGNED_IN}
        self.before_request(lambda: guard.admit(self.rights, area))
        self.after_request(guard.finish)
        self.context_processor(_for_every_page)
        self.page("/<path:nothing>")(_nothing_here)
        self.add_url_rule("/<path:nothing>", view_func=_nothing_here, methods=["POST"])

    def page(self, rule: str, wanted: Wanted | None = None) -> Callable[[View], View]:
        """Decorator: a page for those who hold a right, or what a built-in role stands for."""
        return self._view("GET", rule, wanted or self._least_role)

    def act(self, rule: str, wanted: Wanted) -> Callable[[View], View]:
        """Decorator: what a form of the console asks for, from those who may."""
        return self._view("POST", rule, wanted)

    def open_page(self, rule: str, method: str = "GET") -> Callable[[View], View]:
        """Decorator: for people who have not signed in, too; a form's token is the view's care."""
        return self._view(method, rule, None)

    def _view(self, method: str, rule: str, wanted: Wanted | None) -> Callable[[View], View]:
        right = None if wanted is None else right_of(wanted, self.area)

        def decorator(view: View) -> View:
            self.rights[f"{self.name}.{view.__name__}"] = right
            self.add_url_rule(rule, view_func=view, methods=[method])
            return view

        return decorator


def register_console(
    app: Flask,
    pages: Pages,
    settings: ConsoleSettings,
    staff_source: Callable[[], Staff | None] = staff_of_pass,
) -> None:
    """Add `pages` to `app`; `staff_source` tells who asks for the current one."""
    app.extensions["kiungo-console"] = guard.Console(settings, staff_source)
    app.jinja_env.undefined = StrictUndefined
    texts.add_catalogues(pages.import_name.partition(".")[0])
    app.jinja_env.globals.update(
        _=texts.gettext,
        ngettext=texts.ngettext,
        reader_language=texts.language,
        language_names=texts.LANGUAGES,
    )
    app.register_blueprint(assets.templates)
    app.register_blueprint(pages)
    presenting.register_filters(app)


def _nothing_here(nothing: str) -> ResponseReturnValue:
    raise NotFound(_("The console has no such page."))


def _for_every_page() -> dict[str, Any]:
    settings = guard.console().settings
    staff: Staff | None = g.get("staff")
    return {
        "staff": staff,
        "logo": settings.emblem_logo or assets.url("favicon.svg"),
        "icon": settings.emblem_icon or settings.emblem_favicon,
        "asset": assets.url,
        "menu": navigation.menu(staff) if staff else [],
        "current_path": navigation.current_path,
        "flash": flashes.waiting_flash(),
    }
