"""People wherever GitLab shows them."""

from __future__ import annotations

from mlops_tui.domain.projects import User
from mlops_tui.gitlab.payloads import GraphQLPayload, Name, Payload


class Person(Payload):
    """GitLab's UserBasic."""

    id: int
    username: Name
    name: Name = ""

    def record(self) -> User:
        """The person as a record."""
        return User(self.id, self.username, self.name or self.username)


class GraphQLPerson(GraphQLPayload):
    """A user as GraphQL shows one; its id is global ("gid://gitlab/User/3")."""

    id: str
    username: Name
    name: Name = ""

    def record(self) -> User:
        """The person as a record."""
        number = self.id.rpartition("/")[2]
        return User(int(number) if number.isdigit() else 0, self.username, self.name or self.username)
